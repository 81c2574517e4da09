"""Where Pulumi starts. The program is infra/__main__.py.

Pulumi makes the program's directory the working directory of its plugins, and Python imports from there first: started
inside infra/, `import platform` would find infra/platform instead of the standard library's.
"""

import infra.__main__  # noqa: F401  # importing it runs it
