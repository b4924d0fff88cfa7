-- The service's tests make a database of their own beside the service's.
GRANT ALL ON `{{ cookiecutter.package_name | replace("_", "\\_") }}\_%`.* TO 'app'@'%';
