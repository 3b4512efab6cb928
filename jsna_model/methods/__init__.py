"""Pure functions: arrays in, arrays out; no files, no clocks, no state, no randomness."""
