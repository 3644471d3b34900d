"""What every post is read for: hazards and who speaks."""
