#include "haproxy/runtime_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <span>
#include <utility>

#include "serve/sockets.h"

namespace leastwise::agent {

void RuntimeClient::ask(std::optional<Address> address, std::vector<std::string> backends) {
  address_ = std::move(address);
  names_ = std::move(backends);
  fd_.close();
  next_ = {};
}

bool RuntimeClient::poll(TimePoint now) {
  if (fd_) {
    if (now < deadline_) return false;
    fail("no answer in time");
    return true;
  }
  if (!address_ || names_.empty() || now < next_) return false;
  next_ = now + kPeriod;
  backends_.clear();
  asked_ = asking_ = 0;
  return !begin_states(now);
}

// About the next backends: as many as a request has room for, at least one.
bool RuntimeClient::begin_states(TimePoint now) {
  asked_ += asking_;
  asking_ = 0;
  const std::span names = std::span(names_).subspan(asked_);
  for (std::size_t size = 0; asking_ < names.size(); ++asking_) {
    size += states_request(names.subspan(asking_, 1)).size();
    if (asking_ > 0 && size > kMostAsked) break;
  }
  is_about_limits_ = false;
  return begin(states_request(names.first(asking_)), now);
}

// False if it fails at once, with an error().
bool RuntimeClient::begin(std::string request, TimePoint now) {
  request_ = std::move(request);
  deadline_ = now + kPatience;
  reply_.clear();
  is_sent_ = false;
  fd_ = connect_to(*address_);
  if (fd_ && send_request()) return true;
  fail(with_errno(address_->text));
  return false;
}

short RuntimeClient::events() const noexcept { return is_sent_ ? POLLIN : POLLOUT; }

// False, and errno set, when it never will be sent. It fits the buffer of any socket at once.
bool RuntimeClient::send_request() noexcept {
  const ssize_t n = ::send(fd_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
  is_sent_ = n == std::ssize(request_);
  return is_sent_ || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

RuntimeClient::Progress RuntimeClient::on_ready(TimePoint now) {
  if (!is_sent_) {
    return send_request() ? Progress::kGoesOn : fail(with_errno(address_->text));
  }
  switch (receive()) {
    case Received::kSome:
      return Progress::kGoesOn;
    case Received::kAll:
      return on_reply(now);
    case Received::kFailed:
      break;
  }
  return Progress::kFailed;
}

RuntimeClient::Received RuntimeClient::receive() {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Received::kSome;
    if (n == 0) return Received::kAll;
    if (n < 0) {
      fail(with_errno(address_->text));
      return Received::kFailed;
    }
    reply_.append(buffer.data(), static_cast<std::size_t>(n));
    if (reply_.size() > kMostBytes) {
      fail("the answer is too long");
      return Received::kFailed;
    }
  }
}

RuntimeClient::Progress RuntimeClient::on_reply(TimePoint now) {
  fd_.close();
  if (is_about_limits_ ? !parse_limits(reply_, some_) : !parse_states(reply_, asking_, some_)) {
    return fail(reply_.empty()
                    ? "the answer is empty: is it a stats socket of level operator or admin?"
                    : "the answer is not that of HAProxy's runtime API");
  }
  if (!is_about_limits_ && !some_.empty()) {
    is_about_limits_ = true;
    return go_on(begin(limits_request(some_), now));
  }
  std::ranges::move(some_, std::back_inserter(backends_));
  some_.clear();
  if (asked_ + asking_ < names_.size()) return go_on(begin_states(now));
  error_.clear();
  next_ = now + kPeriod;
  return Progress::kAnswered;
}

RuntimeClient::Progress RuntimeClient::go_on(bool began) const noexcept {
  return began ? Progress::kGoesOn : Progress::kFailed;
}

RuntimeClient::Progress RuntimeClient::fail(std::string error) {
  fd_.close();
  error_ = std::move(error);
  return Progress::kFailed;
}

}  // namespace leastwise::agent
