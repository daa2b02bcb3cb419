"""What has a budget: ratios of two times or sizes of one run, so that they mean the same on any machine."""
