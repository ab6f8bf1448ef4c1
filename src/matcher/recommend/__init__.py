"""Recommendations: ranked accounts for briefs with reasons, evidence and warnings."""
