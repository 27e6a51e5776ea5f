"""The router's index beside the oracle, sample by sample: differences, effects and recoveries."""
