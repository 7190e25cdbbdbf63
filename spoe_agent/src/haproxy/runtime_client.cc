#include "haproxy/runtime_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <span>

#include "serve/sockets.h"

namespace leastwise::agent {
namespace {

// "show version" shows where prompts come, see drop_prompts(); a socket of any level may ask it.
constexpr std::string_view kHello = "prompt;show version\n";
constexpr std::string_view kPrompt = "\n> ";
constexpr std::string_view kMasterPrompt = "master> ";

std::size_t commands_in(std::string_view request) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(request, [](char c) { return c == ';' || c == '\n'; }));
}

// Of a connection that could not be made.
std::string hint_of(int error) {
  if (error == EACCES) {
    return "; run the agent in the group that the socket belongs to (systemd: "
           "SupplementaryGroups=haproxy)";
  }
  return error == ENOENT ? "; does the global section have a \"stats socket\" of that path?" : "";
}

}  // namespace

void RuntimeClient::ask(std::optional<Address> address, std::vector<std::string> backends) {
  address_ = std::move(address);
  names_ = std::move(backends);
  told_.clear();
  fd_.close();
  phase_ = Phase::kIdle;
  pause_ = kPeriod;
  next_ = {};
}

bool RuntimeClient::poll(TimePoint now) {
  now_ = now;
  if (phase_ != Phase::kIdle) {
    if (now < deadline_) return false;
    fail("no answer in time");
    return true;
  }
  if (!address_ || names_.empty()) return false;
  if (fd_ && !told_.empty()) return !begin_telling(now);
  if (now < next_) return false;
  next_ = now + kPeriod;
  if (fd_) return !begin_round(now);
  fd_ = connect_to(*address_);
  is_prompted_per_line_ = false;
  if (fd_) return !begin(Phase::kGreeting, std::string(kHello), now);
  const int reason = errno;
  fail(with_errno(address_->text) + hint_of(reason));
  return true;
}

bool RuntimeClient::begin_round(TimePoint now) {
  backends_.clear();
  asked_ = asking_ = 0;
  return begin_states(now);
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
  return begin(Phase::kStates, states_request(names.first(asking_)), now);
}

// As many commands as a request has room for; the others are for the next one.
bool RuntimeClient::begin_telling(TimePoint now) {
  std::string request;
  std::size_t n = 0;
  for (; n < told_.size() && (n == 0 || request.size() + told_[n].size() < kMostAsked); ++n) {
    request += told_[n];
    request += ';';
  }
  const auto end = told_.begin() + static_cast<std::ptrdiff_t>(n);
  telling_.assign(told_.begin(), end);
  told_.erase(told_.begin(), end);
  request.back() = '\n';
  return begin(Phase::kTelling, std::move(request), now);
}

// False if it fails at once, with an error().
bool RuntimeClient::begin(Phase phase, std::string request, TimePoint now) {
  phase_ = phase;
  request_ = std::move(request);
  awaited_ = is_prompted_per_line_ ? 1 : commands_in(request_);
  deadline_ = now + kPatience;
  reply_.clear();
  sent_ = 0;
  if (send_request()) return true;
  fail(with_errno(address_->text));
  return false;
}

short RuntimeClient::events() const noexcept {
  return sent_ == request_.size() ? POLLIN : POLLIN | POLLOUT;
}

// False, and errno set, when it never will be sent.
bool RuntimeClient::send_request() noexcept {
  const std::string_view rest = std::string_view(request_).substr(sent_);
  const ssize_t n = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  sent_ += static_cast<std::size_t>(n);
  return true;
}

RuntimeClient::Progress RuntimeClient::on_ready(TimePoint now) {
  now_ = now;
  if (sent_ < request_.size() && !send_request()) return fail(with_errno(address_->text));
  switch (receive()) {
    case Received::kSome:
      return is_master() ? fail(reason_of_reply()) : Progress::kGoesOn;
    case Received::kAll:
      return on_reply(now);
    case Received::kClosed:
      return on_closed();
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
    if (n == 0) return Received::kClosed;
    if (n < 0) {
      fail(with_errno(address_->text));
      return Received::kFailed;
    }
    const std::size_t begin = reply_.size() - std::min(reply_.size(), kPrompt.size() - 1);
    reply_.append(buffer.data(), static_cast<std::size_t>(n));
    drop_prompts(begin);
    if (phase_ != Phase::kIdle && awaited_ == 0) return Received::kAll;
    if (reply_.size() > kMostBytes) {
      fail("the answer is too long");
      return Received::kFailed;
    }
  }
}

// What is left is as HAProxy says it without a prompt: an empty line behind each answer. No line of
// what we ask for begins with ">". Up to 3.0 each command of a line has its prompt; 3.2 has one
// behind the answers to all. Then none comes between the greeting's first answer, which is empty,
// and the version.
void RuntimeClient::drop_prompts(std::size_t begin) {
  for (std::size_t at = begin; awaited_ > 0; --awaited_, ++at) {
    at = reply_.find(kPrompt, at);
    if (at == reply_.npos) return;
    if (phase_ == Phase::kGreeting && awaited_ > 1 && at > 0) {
      is_prompted_per_line_ = true;
      awaited_ = 1;
    }
    reply_.erase(at + 1, kPrompt.size() - 1);
  }
}

// Between two rounds it is HAProxy's right, and no failure: "stats timeout", or its end.
RuntimeClient::Progress RuntimeClient::on_closed() {
  if (phase_ != Phase::kIdle) return fail(reason_of_reply());
  fd_.close();
  next_ = {};
  return Progress::kGoesOn;
}

RuntimeClient::Progress RuntimeClient::on_reply(TimePoint now) {
  const Phase phase = std::exchange(phase_, Phase::kIdle);
  switch (phase) {
    case Phase::kGreeting:
      return go_on(begin_round(now));
    case Phase::kStates:
      return on_states(now);
    case Phase::kFigures:
      return on_figures(now);
    case Phase::kTelling:
      note_refusals();
      return Progress::kTold;
    case Phase::kIdle:
      break;
  }
  return fail(reason_of_reply());
}

RuntimeClient::Progress RuntimeClient::on_states(TimePoint now) {
  std::string_view rest = reply_;
  if (!parse_process(rest, process_)) return fail(reason_of_reply());
  if (process_.is_stopping) {
    fd_.close();
    next_ = {};
    return Progress::kGoesOn;
  }
  if (!parse_states(rest, asking_, some_)) return fail(reason_of_reply());
  if (some_.empty()) return on_figures(now);
  return go_on(begin(Phase::kFigures, figures_request(some_), now));
}

RuntimeClient::Progress RuntimeClient::on_figures(TimePoint now) {
  if (!some_.empty() && !parse_figures(reply_, some_)) return fail(reason_of_reply());
  std::ranges::move(some_, std::back_inserter(backends_));
  some_.clear();
  if (asked_ + asking_ < names_.size()) return go_on(begin_states(now));
  error_.clear();
  pause_ = kPeriod;
  next_ = now + kPeriod;
  return Progress::kAnswered;
}

RuntimeClient::Progress RuntimeClient::go_on(bool began) const noexcept {
  return began ? Progress::kGoesOn : Progress::kFailed;
}

void RuntimeClient::note_refusals() {
  refused_.clear();
  std::vector<std::string> reasons = refusals_in(reply_, telling_.size());
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (reasons[i].empty()) continue;
    refused_.push_back({std::move(telling_[i]), std::move(reasons[i])});
  }
}

// Its prompt is another one, for which we would wait in vain.
bool RuntimeClient::is_master() const noexcept {
  return phase_ == Phase::kGreeting && reply_.find(kMasterPrompt) != reply_.npos;
}

std::string RuntimeClient::reason_of_reply() const {
  if (reply_.find(kMasterPrompt) != reply_.npos) {
    return "this is the socket of HAProxy's master process (-S), which knows no servers: give "
           "haproxy_socket the path of a \"stats socket\" of the global section";
  }
  if (reply_.find("Permission denied") != reply_.npos) {
    return "permission denied: the stats socket needs \"level user\" at least";
  }
  if (reply_.empty()) return "closed without an answer: is it HAProxy's stats socket?";
  return "the answer is not that of HAProxy's runtime API";
}

RuntimeClient::Progress RuntimeClient::fail(std::string error) {
  fd_.close();
  phase_ = Phase::kIdle;
  told_.clear();
  error_ = std::move(error);
  next_ = now_ + pause_;
  pause_ = std::min(pause_ * 2, kLongestPause);
  return Progress::kFailed;
}

}  // namespace leastwise::agent
