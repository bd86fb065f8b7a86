"""The HTTP interface over the engine, in the process and on the port of the pages. It knows nothing of Streamlit.

`create_api` gives an ASGI application; `api_routes` puts it where programs look for it: at the root, under the names of
the source document, and once more under `/api`, for proxies that tell programs from people by a prefix.
"""

from sipd_core.api.application import api_routes, create_api, first_parts

__all__ = ["api_routes", "create_api", "first_parts"]
