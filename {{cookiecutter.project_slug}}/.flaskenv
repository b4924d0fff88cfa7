# For the `flask` command, which also reads .env.
FLASK_APP={{ cookiecutter.package_name }}
