"""The file uploader in Indonesian."""

import streamlit as st


def label_uploader(choose: str, drop: str) -> None:
    """The uploader's own two labels are English and cannot be set; the style sheet shows these instead."""
    zone = "[data-testid='stFileUploaderDropzone']"
    hint = f"{zone} [data-testid='stFileUploaderDropzoneInstructions']"
    rules = (
        f"{zone} button p {{font-size: 0}}"
        f"{zone} button p::after {{font-size: 0.875rem; content: '{choose}'}}"
        f"{hint} > * {{display: none}} {hint}::after {{font-size: 0.875rem; content: '{drop}'}}"
    )
    st.html(f"<style>{rules}</style>")
