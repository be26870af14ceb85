// A web server that needs nothing but Go's own library. Not net/http: compiling that would take longer than the rest.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	// There is no time zone in the image but those inside the program.
	zone, err := time.LoadLocation("Asia/Jerusalem")
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		log.Fatal(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go answer(connection, zone)
	}
}

func answer(connection net.Conn, zone *time.Location) {
	defer connection.Close()
	lines := bufio.NewScanner(connection)
	lines.Scan()
	request := lines.Text()
	for lines.Scan() && lines.Text() != "" {
	}
	status, body := "404 Not Found", "There is no such page\n"
	if strings.HasPrefix(request, "GET / ") {
		status, body = "200 OK", fmt.Sprintf("Hello from Go in %s\n", zone)
	}
	fmt.Fprintf(connection, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
}
