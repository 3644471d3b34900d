"""Hot topics: which posts speak of the same event, found in stream order, in bounded memory, without being told k.

``words`` reads what a post can be compared by, ``copies`` folds near copies, ``evidence`` says how much the words of a
post speak for a topic, ``clusterer`` puts windows of posts into topics and merges and splits them, ``portrait`` gives a
topic its name, mood, growth and representatives. Pure: no store, no clock.
"""
