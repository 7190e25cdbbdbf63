#include "haproxy/datagrams.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include "serve/clock.h"

namespace leastwise::agent {
namespace {

// A line that claims to be older than this was not: the clock of the time stamps was set.
constexpr Duration kOldest = std::chrono::seconds(10);

Duration since_epoch(const timespec& t) noexcept {
  return Duration(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000);
}

template <typename T>
T payload_of(const cmsghdr* message) noexcept {
  T value;
  std::memcpy(&value, CMSG_DATA(message), sizeof value);
  return value;
}

}  // namespace

struct Datagrams::Buffers {
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> parts{};
  std::array<std::array<char, kMaxLine>, kBatch> lines;
  struct alignas(cmsghdr) Control {
    std::array<char, 128> bytes;
  };
  std::array<Control, kBatch> controls;
};

Datagrams::Datagrams(Fd fd) : fd_(std::move(fd)), buffers_(std::make_unique<Buffers>()) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    buffers_->parts[i] = {buffers_->lines[i].data(), kMaxLine};
    msghdr& header = buffers_->headers[i].msg_hdr;
    header.msg_iov = &buffers_->parts[i];
    header.msg_iovlen = 1;
    header.msg_control = buffers_->controls[i].bytes.data();
  }
}

Datagrams::~Datagrams() = default;

std::size_t Datagrams::receive() noexcept {
  for (std::size_t i = 0; i < kBatch; ++i) {
    buffers_->headers[i].msg_hdr.msg_controllen = buffers_->controls[i].bytes.size();
  }
  const int n = ::recvmmsg(fd_.get(), buffers_->headers.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (n <= 0) return 0;
  timespec realtime{};
  clock_gettime(CLOCK_REALTIME, &realtime);
  const TimePoint now = agent::now();
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    read_control(buffers_->headers[i].msg_hdr, i, since_epoch(realtime), now);
  }
  return static_cast<std::size_t>(n);
}

std::string_view Datagrams::line(std::size_t i) const noexcept {
  return {buffers_->lines[i].data(), buffers_->headers[i].msg_len};
}

void Datagrams::read_control(msghdr& header, std::size_t i, Duration realtime_now,
                             TimePoint now) noexcept {
  Duration age{0};
  for (cmsghdr* m = CMSG_FIRSTHDR(&header); m != nullptr; m = CMSG_NXTHDR(&header, m)) {
    if (m->cmsg_level != SOL_SOCKET) continue;
    if (m->cmsg_type == SO_TIMESTAMPNS) age = realtime_now - since_epoch(payload_of<timespec>(m));
    if (m->cmsg_type == SO_RXQ_OVFL) dropped_ = payload_of<std::uint32_t>(m);
  }
  arrived_[i] = now - (age > kOldest ? Duration{0} : std::max(age, Duration{0}));
}

}  // namespace leastwise::agent
