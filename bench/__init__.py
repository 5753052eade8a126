"""The numbers that the design promises, measured as ratios against a limit in the same run."""
