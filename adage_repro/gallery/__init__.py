"""The site that `make gallery` writes into build/site: figures, claims, notebooks and docs as pages that need no server and no network."""

from adage_repro.gallery.site import SITE, write

__all__ = ["SITE", "write"]
