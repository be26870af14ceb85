defmodule Hello.Application do
  @moduledoc "A web server that needs nothing but Erlang's own library."
  use Application

  @impl true
  def start(_type, _arguments) do
    Supervisor.start_link([{Task, &Hello.Server.listen/0}], strategy: :one_for_one, name: Hello.Supervisor)
  end
end

defmodule Hello.Server do
  @moduledoc false

  def listen do
    port = String.to_integer(System.get_env("PORT", "4000"))
    options = [:binary, packet: :http_bin, active: false, reuseaddr: true]
    {:ok, socket} = :gen_tcp.listen(port, options)
    accept(socket)
  end

  defp accept(socket) do
    {:ok, client} = :gen_tcp.accept(socket)
    {:ok, pid} = Task.start(fn -> answer(client) end)
    :gen_tcp.controlling_process(client, pid)
    accept(socket)
  end

  defp answer(client) do
    with {:ok, {:http_request, _method, {:abs_path, path}, _version}} <- :gen_tcp.recv(client, 0, 5_000) do
      skip_headers(client)
      {status, body} = if path == "/", do: {"200 OK", "Hello from Elixir\n"}, else: {"404 Not Found", "There is no such page\n"}
      head = "HTTP/1.1 #{status}\r\ncontent-type: text/plain\r\ncontent-length: #{byte_size(body)}\r\nconnection: close\r\n\r\n"
      :gen_tcp.send(client, head <> body)
    end

    :gen_tcp.close(client)
  end

  defp skip_headers(client) do
    case :gen_tcp.recv(client, 0, 5_000) do
      {:ok, {:http_header, _, _, _, _}} -> skip_headers(client)
      _end_of_headers -> :ok
    end
  end
end
