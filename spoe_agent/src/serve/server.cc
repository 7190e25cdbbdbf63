#include "serve/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>
#include <utility>

#include "serve/clock.h"
#include "serve/sockets.h"

namespace leastwise::agent {
namespace {

constexpr int kBeat = 100;  // milliseconds between two looks at the clock when nothing happens
constexpr Duration kSweep = std::chrono::milliseconds(250);
constexpr std::size_t kMostEvents = 256;

void set_option(const Fd& fd, int level, int name) noexcept {
  const int on = 1;
  ::setsockopt(fd.get(), level, name, &on, sizeof on);  // a unix socket refuses: so be it
}

bool would_block(ssize_t n) noexcept { return n < 0 && (errno == EAGAIN || errno == EINTR); }

}  // namespace

Server::Server(Fd listener, BatchHandler& handler, PickCounters& counters)
    : listener_(std::move(listener)),
      epoll_(make_epoll()),
      stopped_(make_event()),
      handler_(handler),
      counters_(counters),
      peers_(kMostDescriptors) {
  watch_listener(EPOLL_CTL_ADD);
  epoll_event event{.events = EPOLLIN, .data = {.fd = stopped_.get()}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, stopped_.get(), &event);
}

void Server::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  signal_event(stopped_);
}

void Server::run() noexcept {
  now_ = now();
  while (!stopping_.load(std::memory_order_acquire)) wait();
  say_goodbye();
}

void Server::wait() noexcept {
  std::array<epoll_event, kMostEvents> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), kBeat);
  if (n < 0) return;  // EINTR, also after SIGCONT: the next look at the clock sees the gap
  const TimePoint before = std::exchange(now_, now());
  handler_.begin(now_, now_ - before > std::chrono::milliseconds(kBeat) + kOutdated);
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == listener_.get()) {
      accept_all();
    } else if (event.data.fd == stopped_.get()) {
      clear_event(stopped_);
    } else if (Peer* peer = peers_[static_cast<std::size_t>(event.data.fd)].get()) {
      on_event(*peer, event.events);
    }
  }
  if (now_ < next_sweep_) return;
  next_sweep_ = now_ + kSweep;
  close_overdue();
}

void Server::on_event(Peer& peer, std::uint32_t events) noexcept {
  if ((events & EPOLLERR) != 0) return drop(peer);
  if ((events & (EPOLLIN | EPOLLHUP)) != 0) return receive(peer);
  settle(peer);
}

void Server::accept_all() noexcept {
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      admit(std::move(fd));
    } else if (errno != ECONNABORTED && errno != EINTR) {
      if (errno == EAGAIN) return;
      // Out of descriptors: the listener would wake us up all the time. Until the next sweep.
      counters_.refused.add();
      accepting_ = false;
      return watch_listener(EPOLL_CTL_DEL);
    }
  }
}

void Server::admit(Fd fd) noexcept {
  const auto key = static_cast<std::size_t>(fd.get());
  if (count_ >= kMostConnections || key >= peers_.size()) return counters_.refused.add();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
  auto* peer = new (std::nothrow) Peer(std::move(fd), handler_, now_ + kPatience);
  if (peer == nullptr) return counters_.refused.add();
  peers_[key].reset(peer);
  peer->events = EPOLLIN;
  epoll_event event{.events = EPOLLIN, .data = {.fd = peer->fd.get()}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, peer->fd.get(), &event);
  ++count_;
  counters_.accepted.add();
}

void Server::receive(Peer& peer) noexcept {
  const ssize_t n = ::recv(peer.fd.get(), input_.data(), input_.size(), 0);
  if (would_block(n)) return;
  if (n < 0) return drop(peer);
  if (n == 0) {
    peer.input_ended = true;
    peer.connection.end_of_input(peer.output);
  } else {
    peer.connection.feed({input_.data(), static_cast<std::size_t>(n)}, peer.output);
  }
  settle(peer);
}

// Sends what there is to send, and decides what the connection waits for next.
void Server::settle(Peer& peer) noexcept {
  if (!send_output(peer)) return drop(peer);
  if (!peer.output.empty()) {
    if (peer.events != EPOLLOUT) peer.deadline = now_ + kPatience;
    return watch(peer, EPOLLOUT);
  }
  if (peer.connection.closing()) {
    if (peer.input_ended) return drop(peer);
    if (!peer.shut) {
      peer.shut = true;
      peer.deadline = now_ + kLinger;
      ::shutdown(peer.fd.get(), SHUT_WR);
    }
  }
  watch(peer, EPOLLIN);
}

bool Server::send_output(Peer& peer) noexcept {
  if (peer.output.empty()) return true;
  const spop::Bytes bytes = peer.output.bytes();
  const ssize_t n = ::send(peer.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n < 0) return would_block(n);
  peer.output.consume(static_cast<std::size_t>(n));
  return true;
}

void Server::watch(Peer& peer, std::uint32_t events) noexcept {
  if (peer.events == events) return;
  peer.events = events;
  epoll_event event{.events = events, .data = {.fd = peer.fd.get()}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, peer.fd.get(), &event);
}

void Server::watch_listener(int operation) noexcept {
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener_.get()}};
  ::epoll_ctl(epoll_.get(), operation, listener_.get(), &event);
}

void Server::drop(Peer& peer) noexcept {
  if (peer.connection.status() != spop::StatusCode::kNormal) counters_.protocol_errors.add();
  counters_.closed.add();
  --count_;
  peers_[static_cast<std::size_t>(peer.fd.get())].reset();  // closing takes it out of the epoll
}

bool Server::is_waiting(const Peer& peer) noexcept {
  return !peer.connection.is_open() || !peer.output.empty();
}

void Server::close_overdue() noexcept {
  for (const auto& peer : peers_) {
    if (peer && is_waiting(*peer) && peer->deadline <= now_) drop(*peer);
  }
  if (accepting_) return;
  accepting_ = true;
  watch_listener(EPOLL_CTL_ADD);
}

// What has arrived is still answered, and HAProxy is told, so that no request waits for nothing.
void Server::say_goodbye() noexcept {
  now_ = now();
  handler_.begin(now_, false);
  accept_all();
  listener_.close();
  accepting_ = true;  // there is nothing to watch again
  for (const auto& peer : peers_) {
    if (peer && peer->output.empty()) receive(*peer);
    if (!peer) continue;
    peer->connection.disconnect(spop::StatusCode::kNormal, peer->output);
    settle(*peer);
  }
  const TimePoint end = now_ + kLinger / 2;
  while (count_ > 0 && now_ < end) wait();
}

}  // namespace leastwise::agent
