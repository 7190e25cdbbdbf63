#include "bench/backends/http_server.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "bench/common/socket.h"

namespace leastwise::bench {
namespace {

// Connections have generations from 1.
constexpr std::uint32_t kListenerGeneration = 0;

constexpr int kAcceptsPerTurn = 64;
constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP;

}  // namespace

void HttpServer::listen(std::uint32_t listener, const std::string& address, std::uint16_t port) {
  if (listener >= listeners_.size()) listeners_.resize(listener + 1);
  Fd fd = listen_on(address, port);
  poller_.add(fd.get(), Handle{listener, kListenerGeneration}.packed(), EPOLLIN);
  listeners_[listener].fd = std::move(fd);
}

void HttpServer::shut(std::uint32_t listener) {
  listeners_[listener].fd.close();
  connections_.for_each([&](Handle client, Connection& connection) {
    if (connection.listener == listener) drop(client, true);
  });
}

void HttpServer::poll(std::optional<Time> deadline) {
  for (const epoll_event& event : poller_.wait(deadline)) {
    const Handle handle = Handle::unpack(event.data.u64);
    if (handle.generation == kListenerGeneration) {
      accept_all(handle.index);
      continue;
    }
    if ((event.events & EPOLLOUT) != 0) write_some(handle);
    if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) read_some(handle);
  }
}

void HttpServer::accept_all(std::uint32_t listener) {
  for (int i = 0; i < kAcceptsPerTurn && listeners_[listener].fd.is_open(); ++i) {
    Fd fd = accept_from(listeners_[listener].fd.get());
    if (!fd.is_open()) return;
    const int socket = fd.get();
    const Handle client = connections_.acquire(std::move(fd), listener, most_body_);
    poller_.add(socket, client.packed(), kReadEvents);
    ++listeners_[listener].open;
    handler_.on_accept(listener);
  }
}

void HttpServer::read_some(Handle client) {
  Connection* connection = connections_.find(client);
  if (connection == nullptr) return;
  static std::array<char, 65536> buffer;
  const ssize_t size = recv(connection->fd.get(), buffer.data(), buffer.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    const std::uint32_t listener = connection->listener;
    const bool was_busy = connection->is_busy;
    drop(client, false);
    if (was_busy) handler_.on_abandon(listener);
    return;
  }
  connection->input.append(buffer.data(), static_cast<std::size_t>(size));
  if (!connection->is_busy) read_requests(client);
}

void HttpServer::read_requests(Handle client) {
  Connection* connection = connections_.find(client);
  if (connection == nullptr || connection->is_reading) return;
  connection->is_reading = true;  // an answer that is sent at once must not come back here
  while (connection != nullptr && !connection->is_busy && !connection->input.empty()) {
    HttpReader& reader = connection->reader;
    connection->input.erase(0, reader.feed(connection->input));
    if (reader.is_broken()) {
      send(client, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
           After::kClose);
      return;
    }
    if (!reader.is_complete()) break;
    connection->is_busy = true;
    ++connection->requests;
    handler_.on_request(client, connection->listener,
                        {reader.target(), reader.wanted_value(), reader.body(),
                         reader.keeps_alive(), connection->requests});
    connection = connections_.find(client);
  }
  if (connection != nullptr) connection->is_reading = false;
}

void HttpServer::send(Handle client, std::string_view bytes, After after) {
  Connection* connection = connections_.find(client);
  if (connection == nullptr) return;
  connection->output.append(bytes);
  connection->after = after;
  write_some(client);
}

void HttpServer::write_some(Handle client) {
  Connection* connection = connections_.find(client);
  if (connection == nullptr) return;
  std::string& output = connection->output;
  while (connection->sent < output.size()) {
    const ssize_t size = ::send(connection->fd.get(), output.data() + connection->sent,
                                output.size() - connection->sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return await_write(client, *connection, true);
    if (size < 0) return drop(client, false);
    connection->sent += static_cast<std::size_t>(size);
  }
  output.clear();
  connection->sent = 0;
  await_write(client, *connection, false);
  finish_answer(client, *connection);
}

void HttpServer::finish_answer(Handle client, Connection& connection) {
  switch (connection.after) {
    case After::kMore:
    case After::kNothing:
      return;
    case After::kClose:
    case After::kReset:
      return drop(client, connection.after == After::kReset);
    case After::kKeepOpen:
      break;
  }
  if (!connection.is_busy) return;
  connection.is_busy = false;
  connection.reader.next_message();
  read_requests(client);
}

void HttpServer::await_write(Handle client, Connection& connection, bool wanted) {
  if (connection.wants_write == wanted) return;
  connection.wants_write = wanted;
  poller_.change(connection.fd.get(), client.packed(),
                 kReadEvents | (wanted ? std::uint32_t{EPOLLOUT} : 0U));
}

void HttpServer::drop(Handle client, bool with_reset) {
  Connection* connection = connections_.find(client);
  if (connection == nullptr) return;
  if (with_reset) reset_on_close(connection->fd.get());
  --listeners_[connection->listener].open;
  connections_.release(client);
}

}  // namespace leastwise::bench
