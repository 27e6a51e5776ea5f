"""Reports as one HTML file each: nothing is fetched, no script is needed to read them.

The rule: what comes from a run is text, and reaches a page through autoescape alone.
"""

from kvchaos.report.html.frame import page, part
from kvchaos.report.html.run import run_page
from kvchaos.report.html.spread import Spread, distribution_chart

__all__ = ["Spread", "distribution_chart", "page", "part", "run_page"]
