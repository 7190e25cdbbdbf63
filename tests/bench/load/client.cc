#include "bench/load/client.h"

#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

namespace leastwise::bench {
namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t kEndEvents = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

bool names_host(const std::string& header) {
  constexpr std::string_view kName = "host:";
  return strncasecmp(header.c_str(), kName.data(), kName.size()) == 0;
}

std::string head_of(const ClientOptions& options, const std::string& path) {
  std::string head = "GET " + path + (options.is_http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
  if (std::none_of(options.headers.begin(), options.headers.end(), names_host)) {
    head += "Host: " + options.host + "\r\n";
  }
  if (!options.keeps_alive) head += "Connection: close\r\n";
  for (const std::string& header : options.headers) head += header + "\r\n";
  return head + "x-u: ";
}

}  // namespace

Client::Client(const ClientOptions& options, const Mix& mix)
    : options_(options), address_(resolve(options.host, options.port)), tail_("\r\n\r\n") {
  for (const std::string& path : mix.paths()) heads_.push_back(head_of(options, path));
}

void Client::send(const Request& request) {
  // Those that wait already come first.
  if (waiting_.empty()) return dispatch(request);
  waiting_.push_back(request);
  counters_.most_waiting = std::max(counters_.most_waiting, waiting_.size());
}

void Client::poll(std::optional<Time> deadline) {
  const auto timeout = next_timeout();
  if (timeout && (!deadline || *timeout < *deadline)) deadline = timeout;
  for (const epoll_event& event : poller_.wait(deadline)) {
    handle_event(Handle::unpack(event.data.u64), event.events);
  }
  expire();
}

void Client::dispatch(const Request& request) {
  // A retry must not meet the next stale connection.
  auto handle = request.is_retry ? std::nullopt : idle_connection();
  if (!handle && connections_.size() >= options_.max_connections) {
    waiting_.push_front(request);
    counters_.most_waiting = std::max(counters_.most_waiting, waiting_.size());
    return;
  }
  if (!handle) handle = new_connection();
  if (handle) return assign(*handle, request);
  const bool is_our_limit = errno == EMFILE || errno == ENFILE || errno == EADDRNOTAVAIL ||
                            errno == ENOBUFS || errno == ENOMEM;
  record(request, is_our_limit ? Outcome::kNoSocket : Outcome::kRefused, nullptr);
}

std::optional<Handle> Client::idle_connection() {
  while (!idle_.empty()) {
    const Handle handle = idle_.back();
    idle_.pop_back();
    if (connections_.find(handle) != nullptr) return handle;
  }
  return std::nullopt;
}

std::optional<Handle> Client::new_connection() {
  bool in_progress = false;
  Fd fd = connect_to(*address_, in_progress);
  if (!fd.is_open()) return std::nullopt;
  const int socket = fd.get();
  const Handle handle = connections_.acquire(std::move(fd));
  connections_.at(handle).is_connecting = in_progress;
  poller_.add(socket, handle.packed(), kEvents);
  ++counters_.connections;
  return handle;
}

void Client::assign(Handle handle, const Request& request) {
  Connection& connection = connections_.at(handle);
  connection.request = request;
  ++connection.serial;
  counters_.most_active = std::max(counters_.most_active, ++active_);
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), request.u).ptr;
  connection.output.assign(heads_[request.path]).append(digits.data(), end).append(tail_);
  connection.sent = 0;
  connection.first.reset();
  deadlines_.arm(start_ + request.at + options_.timeout,
                 {handle, connection.serial, Outcome::kTimeout});
  if (request.is_aborted) {
    deadlines_.arm(now() + options_.abort_after, {handle, connection.serial, Outcome::kAborted});
  }
  if (!connection.is_connecting) write_some(handle);
}

void Client::handle_event(Handle handle, std::uint32_t events) {
  Connection* connection = connections_.find(handle);
  if (connection == nullptr) return;
  if (connection->is_connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
    connection->is_connecting = false;
    if (socket_error(connection->fd.get()) != 0) return fail(handle, Outcome::kRefused);
  }
  if ((events & EPOLLOUT) != 0) write_some(handle);
  if ((events & (EPOLLIN | kEndEvents)) != 0) read_some(handle, (events & kEndEvents) != 0);
}

void Client::write_some(Handle handle) {
  Connection* connection = connections_.find(handle);
  if (connection == nullptr || !connection->request) return;
  const std::string& output = connection->output;
  while (connection->sent < output.size()) {
    const ssize_t size = ::send(connection->fd.get(), output.data() + connection->sent,
                                output.size() - connection->sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) return fail(handle, Outcome::kReset);
    connection->sent += static_cast<std::size_t>(size);
  }
}

void Client::read_some(Handle handle, bool is_ending) {
  static std::array<char, 65536> buffer;
  for (;;) {
    Connection* connection = connections_.find(handle);
    if (connection == nullptr) return;
    const ssize_t size = recv(connection->fd.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) return fail(handle, Outcome::kReset);
    if (size == 0) return end_of_stream(handle, *connection);
    const auto count = static_cast<std::size_t>(size);
    if (!take_bytes(handle, *connection, {buffer.data(), count})) return;
    // Edge-triggered: what comes after a short read, also an end, is an event of its own.
    if (!is_ending && count < buffer.size()) return;
  }
}

// Whether there may be more to read for this connection.
bool Client::take_bytes(Handle handle, Connection& connection, std::string_view bytes) {
  if (!connection.request) {
    drop(handle);  // an answer that nobody asked for
    return false;
  }
  const std::size_t taken = connection.reader.feed(bytes);
  if (connection.reader.has_body() && !connection.first) connection.first = now();
  if (connection.reader.is_broken()) {
    finish(handle, Outcome::kGarbage, false);
    return false;
  }
  if (!connection.reader.is_complete()) return true;
  const bool stays_open = options_.keeps_alive && connection.reader.keeps_alive() &&
                          taken == bytes.size() && connection.sent == connection.output.size();
  finish(handle, Outcome::kAnswered, stays_open);
  return stays_open;
}

void Client::end_of_stream(Handle handle, Connection& connection) {
  if (!connection.request) return drop(handle);
  if (!connection.reader.has_begun()) return fail(handle, Outcome::kClosed);
  connection.reader.end_of_stream();
  finish(handle, connection.reader.is_complete() ? Outcome::kAnswered : Outcome::kTruncated, false);
}

void Client::fail(Handle handle, Outcome outcome) {
  Connection& connection = connections_.at(handle);
  if (!connection.request) return drop(handle);
  const bool was_reused = connection.serial > 1;
  const bool is_stale =
      was_reused && !connection.reader.has_begun() && !connection.request->is_retry;
  if (!is_stale) return finish(handle, outcome, false);
  Request again = *connection.request;
  again.is_retry = true;
  ++counters_.retries;
  --active_;
  drop(handle);
  dispatch(again);
}

void Client::finish(Handle handle, Outcome outcome, bool stays_open) {
  Connection& connection = connections_.at(handle);
  record(*connection.request, outcome, connection.reader.is_complete() ? &connection : nullptr);
  --active_;
  if (stays_open) {
    connection.request.reset();
    connection.reader.next_message();
    idle_.push_back(handle);
  } else {
    drop(handle);
  }
  serve_waiting();
}

void Client::record(const Request& request, Outcome outcome, const Connection* answered) {
  Sample sample;
  sample.at = request.at;
  sample.latency = now() - start_ - request.at;
  sample.first = sample.latency;
  sample.path = request.path;
  sample.outcome = outcome;
  if (answered != nullptr) {
    const HttpReader& answer = answered->reader;
    if (answered->first) sample.first = *answered->first - start_ - request.at;
    sample.status = static_cast<std::uint16_t>(answer.status());
    if (!answer.wanted_value().empty()) sample.server = server_number(answer.wanted_value());
  }
  samples_.push_back(sample);
}

void Client::serve_waiting() {
  while (!waiting_.empty() && (!idle_.empty() || connections_.size() < options_.max_connections)) {
    const Request request = waiting_.front();
    waiting_.pop_front();
    dispatch(request);
  }
}

void Client::expire() {
  const Time time = now();
  while (const auto due = deadlines_.take(time)) {
    const Connection* connection = connections_.find(due->connection);
    const bool is_pending =
        connection != nullptr && connection->request && connection->serial == due->serial;
    if (is_pending) finish(due->connection, due->outcome, false);
  }
  while (!waiting_.empty() && start_ + waiting_.front().at + options_.timeout <= time) {
    record(waiting_.front(), Outcome::kTimeout, nullptr);
    waiting_.pop_front();
  }
}

std::optional<Time> Client::next_timeout() const {
  auto due = deadlines_.next_due();
  if (!waiting_.empty()) {
    const Time of_waiting = start_ + waiting_.front().at + options_.timeout;
    if (!due || of_waiting < *due) due = of_waiting;
  }
  return due;
}

std::uint32_t Client::server_number(std::string_view name) {
  const auto known = server_numbers_.find(name);
  if (known != server_numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(server_names_.size());
  server_names_.emplace_back(name);
  server_numbers_.emplace(name, number);
  return number;
}

void Client::drop(Handle handle) { connections_.release(handle); }

}  // namespace leastwise::bench
