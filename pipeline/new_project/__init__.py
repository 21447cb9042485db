"""A new project: its folder, configuration, and templates, and the mapping proposed for a folder of exports.

Here: the use case of ``forestock init`` (``project``), the text of the configuration (``configuration_text``), templates of the input tables
(``templates``), and how files of another system are recognized (``profile``, ``header_words``, ``recognition``, ``proposal``, ``trial``).
Not here: reading tables through a mapping (``foundation.mapping``).
"""
