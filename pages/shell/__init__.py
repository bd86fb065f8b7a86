"""What every page shares: entry script, frame, session keys, drawing."""
