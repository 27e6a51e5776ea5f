"""Game days: experiments by a plan, when they may be, with leave, and one report over all."""
