# A service of the test flake: a web server with a page that contains its name.

name=${0##*/}
mkdir -p "/run/$name"
echo "$name" > "/run/$name/index.html"
exec httpd -f -p "127.0.0.1:$1" -h "/run/$name"
