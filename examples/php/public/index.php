<?php

require __DIR__ . '/../vendor/autoload.php';

header('Content-Type: text/plain; charset=utf-8');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path !== '/') {
    http_response_code(404);
    echo "There is no $path\n";
    return;
}
echo App\Greeting::to('PHP ' . PHP_MAJOR_VERSION), ', one third is ', bcdiv('1', '3', 20), "\n";
