#include "haproxy/runtime_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "serve/sockets.h"

namespace leastwise::agent {

void RuntimeClient::set_address(std::optional<Address> address) {
  address_ = std::move(address);
  fd_.close();
  next_ = {};
}

bool RuntimeClient::poll(TimePoint now) {
  if (fd_) {
    if (now < deadline_) return false;
    fail("no answer in time");
    return true;
  }
  if (!address_ || now < next_) return false;
  next_ = now + kPeriod;
  deadline_ = now + kPatience;
  reply_.clear();
  is_sent_ = false;
  fd_ = connect_to(*address_);
  if (fd_ && send_request()) return false;
  fail(with_errno(address_->text));
  return true;
}

short RuntimeClient::events() const noexcept { return is_sent_ ? POLLIN : POLLOUT; }

// False, and errno set, when it never will be sent. It fits the buffer of any socket at once.
bool RuntimeClient::send_request() noexcept {
  const ssize_t n = ::send(fd_.get(), kRuntimeRequest.data(), kRuntimeRequest.size(), MSG_NOSIGNAL);
  is_sent_ = n == ssize_t{kRuntimeRequest.size()};
  return is_sent_ || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

RuntimeClient::Progress RuntimeClient::on_ready(TimePoint now) {
  if (!is_sent_) {
    if (send_request()) return Progress::kGoesOn;
    fail(with_errno(address_->text));
    return Progress::kFailed;
  }
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return Progress::kGoesOn;
    if (n < 0) {
      fail(with_errno(address_->text));
      return Progress::kFailed;
    }
    if (n == 0) break;
    reply_.append(buffer.data(), static_cast<std::size_t>(n));
    if (reply_.size() > kMostBytes) {
      fail("the answer is too long");
      return Progress::kFailed;
    }
  }
  if (!parse_runtime_reply(reply_, backends_)) {
    fail(reply_.empty() ? "the answer is empty: is it a stats socket of level operator or admin?"
                        : "the answer is not that of HAProxy's runtime API");
    return Progress::kFailed;
  }
  fd_.close();
  error_.clear();
  next_ = now + kPeriod;
  return Progress::kAnswered;
}

void RuntimeClient::fail(std::string error) {
  fd_.close();
  error_ = std::move(error);
}

}  // namespace leastwise::agent
