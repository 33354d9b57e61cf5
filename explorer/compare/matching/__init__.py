"""Which unit of one run stands for which of the other."""
