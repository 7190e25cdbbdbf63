#include "serve/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
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
constexpr std::size_t kMostAccepted = 64;  // in a round
constexpr int kMostRounds = 64;            // of them, at the end: the backlog

void set_option(const Fd& fd, int level, int name) noexcept {
  const int on = 1;
  ::setsockopt(fd.get(), level, name, &on, sizeof on);  // a unix socket refuses: so be it
}

bool would_block(ssize_t n) noexcept { return n < 0 && (errno == EAGAIN || errno == EINTR); }

}  // namespace

Server::Server(Fd listener, Protocol& protocol, ConnectionCounters& counters, Limits limits)
    : listener_(std::move(listener)),
      epoll_(make_epoll()),
      stopped_(make_event()),
      protocol_(protocol),
      counters_(counters),
      limits_(limits),
      peers_(kMostDescriptors) {
  set_option(listener_, IPPROTO_TCP, TCP_NODELAY);  // whoever is accepted inherits them
  set_option(listener_, SOL_SOCKET, SO_KEEPALIVE);
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
  for (; !stopping_.load(std::memory_order_acquire); rounds_.add()) wait();
  say_goodbye();
}

void Server::wait() noexcept {
  std::array<epoll_event, kMostEvents> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), kBeat);
  if (n < 0) return;  // EINTR, also after SIGCONT: the next look at the clock sees the gap
  const TimePoint before = std::exchange(now_, now());
  protocol_.begin(now_, now_ - before > std::chrono::milliseconds(kBeat) + kOutdated);
  bool has_newcomers = false;
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.fd == listener_.get()) {
      has_newcomers = true;
    } else if (event.data.fd == stopped_.get()) {
      clear_event(stopped_);
    } else if (Peer* peer = peers_[static_cast<std::size_t>(event.data.fd)].get()) {
      on_event(*peer, event.events);
    }
  }
  // Last: a newcomer may get the descriptor of one whose event was still to come.
  if (has_newcomers) accept_some();
  if (now_ < next_sweep_) return;
  next_sweep_ = now_ + kSweep;
  close_overdue();
}

void Server::on_event(Peer& peer, std::uint32_t events) noexcept {
  if ((events & EPOLLERR) != 0) return drop(peer);
  if ((events & (EPOLLIN | EPOLLHUP)) != 0) return receive(peer);
  settle(peer);
}

// True when there may be more.
bool Server::accept_some() noexcept {
  for (std::size_t i = 0; i < kMostAccepted; ++i) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      admit(std::move(fd));
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno == EAGAIN) return false;
    if (errno == EMFILE && evict()) continue;
    // Out of all else: the listener would wake us up all the time. Until the next sweep.
    counters_.refused.add();
    accepting_ = false;
    watch_listener(EPOLL_CTL_DEL);
    return false;
  }
  return true;
}

// A newcomer is read before others take its place, and at once: it has mostly spoken already, and
// HAProxy's check, which may wait behind a crowd of newcomers, has 50 ms.
void Server::admit(Fd fd) noexcept {
  if (count_ >= limits_.connections) evict();
  const auto key = static_cast<std::size_t>(fd.get());
  if (key >= peers_.size()) return counters_.refused.add();
  std::unique_ptr<Session> session = protocol_.open();
  if (session == nullptr) return counters_.refused.add();
  auto* peer = new (std::nothrow) Peer(std::move(fd), std::move(session));
  if (peer == nullptr) return counters_.refused.add();
  peers_[key].reset(peer);
  by_age_.add(*peer);
  peer->events = EPOLLIN;
  epoll_event event{.events = EPOLLIN, .data = {.fd = peer->fd.get()}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, peer->fd.get(), &event);
  ++count_;
  counters_.accepted.add();
  keep_time(*peer);
  receive(*peer);
}

// False when there is nobody.
bool Server::evict() noexcept {
  Peer* const peer = by_age_.oldest();
  if (peer == nullptr) return false;
  counters_.evicted.add();
  if (peer->output.empty()) {
    peer->session->say_goodbye(peer->output);
    send_output(*peer);  // what does not go out at once never does
  }
  drop(*peer);
  return true;
}

void Server::receive(Peer& peer) noexcept {
  const ssize_t n = ::recv(peer.fd.get(), input_.data(), input_.size(), 0);
  if (would_block(n)) return;
  if (n < 0) return drop(peer);
  if (n == 0) {
    peer.input_ended = true;
    peer.session->end_of_input(peer.output);
  } else {
    peer.session->feed({input_.data(), static_cast<std::size_t>(n)}, peer.output);
  }
  settle(peer);
}

// Sends what there is to send, and decides what the connection waits for next.
void Server::settle(Peer& peer) noexcept {
  if (!send_output(peer)) return drop(peer);
  keep_time(peer);
  if (!peer.output.empty()) return watch(peer, EPOLLOUT);
  if (peer.session->is_closing()) {
    if (peer.input_ended) return drop(peer);
    if (!peer.shut) {
      peer.shut = peer.waits = true;
      peer.deadline = now_ + kLinger;
      ::shutdown(peer.fd.get(), SHUT_WR);
    }
  }
  watch(peer, EPOLLIN);
}

// The patience begins with the wait, and again with each thing that comes to an end: bytes that
// trickle in do not prolong it.
void Server::keep_time(Peer& peer) noexcept {
  const std::uint64_t progress = peer.session->progress();
  const bool has_moved = progress != peer.progress;
  peer.progress = progress;
  if (has_moved) by_age_.touch(peer);
  const bool waits = peer.session->is_owed() || !peer.output.empty() || peer.shut;
  if (waits && (has_moved || !peer.waits)) peer.deadline = now_ + limits_.patience;
  peer.waits = waits;
}

// False when the connection is broken.
bool Server::send_output(Peer& peer) noexcept {
  for (;;) {
    if (peer.output.empty()) peer.session->go_on(peer.output);
    if (peer.output.empty()) return true;
    const spop::Bytes bytes = peer.output.bytes();
    const ssize_t n = ::send(peer.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0) return would_block(n);
    peer.output.consume(static_cast<std::size_t>(n));
    if (!peer.output.empty()) return true;
  }
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
  counters_.closed.add();
  --count_;
  by_age_.remove(peer);
  peers_[static_cast<std::size_t>(peer.fd.get())].reset();  // closing takes it out of the epoll
}

void Server::close_overdue() noexcept {
  for (const auto& peer : peers_) {
    if (peer && peer->waits && peer->deadline <= now_) drop(*peer);
  }
  if (accepting_) return;
  accepting_ = true;
  watch_listener(EPOLL_CTL_ADD);
}

// What has arrived is still answered, and HAProxy is told, so that no request waits for nothing.
void Server::say_goodbye() noexcept {
  now_ = now();
  protocol_.begin(now_, false);
  for (int i = 0; i < kMostRounds && accept_some(); ++i) {
  }
  listener_.close();
  accepting_ = true;  // there is nothing to watch again
  for (const auto& peer : peers_) {
    if (peer && peer->output.empty()) receive(*peer);
    if (!peer) continue;
    peer->session->say_goodbye(peer->output);
    settle(*peer);
  }
  const TimePoint end = now_ + kLinger / 2;
  while (count_ > 0 && now_ < end) wait();
}

}  // namespace leastwise::agent
