"""Training in the cloud: what CreateModel begins and a function of its own does."""
