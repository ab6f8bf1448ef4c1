"""What a hire would bring: a distribution of each outcome, calibrated on closed campaigns."""
