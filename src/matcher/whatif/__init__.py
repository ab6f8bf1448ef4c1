"""What if: typed changes of brief, influencers and market, compared with things as they are."""
