package org.example.hello;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

public final class Server {
    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "8080"));
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/", Server::answer);
        server.start();
        System.out.println("listening on " + port);
    }

    private static void answer(HttpExchange exchange) throws IOException {
        boolean isHome = exchange.getRequestURI().getPath().equals("/");
        byte[] body = (isHome ? "Hello from Maven\n" : "There is nothing here\n").getBytes(StandardCharsets.UTF_8);
        try (exchange) {
            exchange.sendResponseHeaders(isHome ? 200 : 404, body.length);
            exchange.getResponseBody().write(body);
        }
    }
}
