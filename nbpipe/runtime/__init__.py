"""What travels to a step's interpreter: standard library only, Python 3.9 and later, nothing installed."""
