"""One file per version, each written out by itself: a released version never changes with the code."""
