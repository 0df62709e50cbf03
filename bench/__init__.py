"""Measurements, side by side in one run. Ratios are what counts; machines differ."""
