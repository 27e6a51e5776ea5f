"""Reports as one HTML file each: nothing is fetched, no script is needed to read them.

The rule: what comes from a run is text, and reaches a page through autoescape alone.
"""

from kvchaos.report.html.frame import page
from kvchaos.report.html.run import run_page

__all__ = ["page", "run_page"]
