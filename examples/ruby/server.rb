# A web server that needs nothing but Ruby's own library.
require "socket"

server = TCPServer.new("0.0.0.0", Integer(ENV.fetch("PORT", "9292")))
trap("TERM") { exit }

loop do
  client = server.accept
  path = client.gets.to_s.split[1]
  while (header = client.gets) && header != "\r\n"; end
  status, body = path == "/" ? ["200 OK", "Hello from Ruby\n"] : ["404 Not Found", "There is no such page\n"]
  client.write "HTTP/1.1 #{status}\r\nContent-Type: text/plain\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}"
  client.close
end
