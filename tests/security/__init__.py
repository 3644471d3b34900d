"""What an attacker of a home would try, tried: other people's secrets, open ports, escalation, forged certificates."""
