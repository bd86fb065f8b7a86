"""Engine of the SIPD Helpdesk Console. Knows nothing of Streamlit."""
