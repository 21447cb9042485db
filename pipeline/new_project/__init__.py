"""A new project: its folder, configuration, and templates, and the mapping proposed for a folder of exports.

Here: the folder with templates of the input tables (``project``), the text of the configuration (``configuration_text``), and how files of
another system are recognized (``profile``, ``header_words``, ``recognition``, ``from_files``, ``table_rules``, ``trial``).
Not here: reading tables through a mapping (``foundation.mapping``).
"""
