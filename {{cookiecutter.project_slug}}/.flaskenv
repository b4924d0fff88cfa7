# For the `flask` command, which reads .env as well.
FLASK_APP={{ cookiecutter.package_name }}
