// Many listening addresses and their connections in one event loop; knows HTTP, but not what to
// answer.
//
// One request at a time per connection; pipelined ones wait in the buffer. Listeners are numbered
// by the caller. A client that closes, even half, is gone. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_HTTP_SERVER_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/backends/answer.h"
#include "bench/common/fd.h"
#include "bench/common/http_reader.h"
#include "bench/common/poller.h"
#include "bench/common/slot_table.h"
#include "bench/common/time.h"

namespace leastwise::bench {

class HttpServer {
 public:
  // Its texts are gone once the request is answered.
  struct Request {
    std::string_view target;
    std::string_view x_u;   // empty: no such header
    std::string_view body;  // empty: none, or the server keeps none
    bool keeps_alive = true;
    unsigned number = 1;  // on this connection
  };

  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_accept(std::uint32_t listener) = 0;
    // Exactly one send() whose After is not kMore must follow, now or later.
    virtual void on_request(Handle client, std::uint32_t listener, const Request& request) = 0;
    // The client left before it was answered.
    virtual void on_abandon(std::uint32_t listener) = 0;
  };

  // Keeps bodies of up to `most_body` bytes for the handler, and refuses longer ones; with 0 it
  // skips them.
  explicit HttpServer(Handler& handler, std::size_t most_body = 0)
      : handler_(handler), most_body_(most_body) {}

  // Throws UsageError if the address can not be had.
  void listen(std::uint32_t listener, const std::string& address, std::uint16_t port);

  // Stops to listen and resets every connection of `listener`.
  void shut(std::uint32_t listener);

  // Does nothing if the client is gone.
  void send(Handle client, std::string_view bytes, After after);

  bool is_connected(Handle client) noexcept { return connections_.find(client) != nullptr; }
  std::size_t open_connections(std::uint32_t listener) const noexcept {
    return listeners_[listener].open;
  }

  // Handles events until `deadline` at the latest (none: until there are some).
  void poll(std::optional<Time> deadline);

 private:
  struct Listener {
    Fd fd;
    std::size_t open = 0;
  };

  struct Connection {
    Connection(Fd socket, std::uint32_t number, std::size_t most_body)
        : fd(std::move(socket)),
          listener(number),
          reader(HttpReader::Kind::kRequest, "x-u", most_body) {}

    Fd fd;
    std::uint32_t listener;
    HttpReader reader;
    std::string input;  // not yet parsed
    std::string output;
    std::size_t sent = 0;  // of `output`
    After after = After::kKeepOpen;
    unsigned requests = 0;
    bool is_busy = false;     // with a request that is not answered
    bool is_reading = false;  // in read_requests()
    bool wants_write = false;
  };

  void accept_all(std::uint32_t listener);
  void read_some(Handle client);
  void read_requests(Handle client);
  void write_some(Handle client);
  void finish_answer(Handle client, Connection& connection);
  void await_write(Handle client, Connection& connection, bool wanted);
  void drop(Handle client, bool with_reset);

  Handler& handler_;
  std::size_t most_body_;
  Poller poller_;
  std::vector<Listener> listeners_;
  SlotTable<Connection> connections_;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_HTTP_SERVER_H_
