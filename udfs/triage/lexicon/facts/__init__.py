"""What posts with a need or hazard are read for: people, goods, urgency, state."""
