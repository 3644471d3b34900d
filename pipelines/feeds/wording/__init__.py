"""What generated posts say: words and templates, all composed for this project. See `pipelines.feeds.grammar`."""
