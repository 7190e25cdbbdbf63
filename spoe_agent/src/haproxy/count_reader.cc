#include "haproxy/count_reader.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <span>

#include "serve/sockets.h"

namespace leastwise::agent {
namespace {

constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::size_t kColumns = 5;  // all that we read is among the first

std::string_view take(std::string_view& text, char end) noexcept {
  const std::size_t at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + 1);
  return part;
}

std::array<std::string_view, kColumns> columns(std::string_view line) noexcept {
  std::array<std::string_view, kColumns> row;
  for (std::string_view& column : row) column = take(line, ',');
  return row;
}

bool read_count(std::string_view text, std::uint32_t& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

// The first five columns are the same in all versions.
bool parse_counts(std::string_view text, std::vector<ServerCounts>& out) {
  out.clear();
  while (!text.empty()) {
    const std::string_view line = take(text, '\n');
    if (line.empty() || line == "No such proxy.") continue;
    if (line.starts_with('#')) {
      if (!line.starts_with("# pxname,svname,qcur,qmax,scur,")) return false;
      continue;
    }
    const auto row = columns(line);
    ServerCounts counts{.backend = row[0], .server = row[1]};
    if (!read_count(row[2], counts.queued) || !read_count(row[4], counts.in_flight)) return false;
    out.push_back(counts);
  }
  return true;
}

void CountReader::ask(const std::optional<Address>& address,
                      std::span<const BackendInfo> backends) {
  address_ = address;
  request_ = figures_request(backends);
  std::size_t servers = 0;
  for (const BackendInfo& backend : backends) servers += backend.servers.size();
  period_ = std::max(kPeriod, kPerServer * static_cast<std::int64_t>(servers));
}

bool CountReader::poll(TimePoint now) {
  if (fd_ && now >= deadline_) fd_.close();
  if (fd_ || !address_ || request_.empty() || now < next_) return false;
  next_ = now + period_;
  deadline_ = now + kPatience;
  reply_.clear();
  counts_.clear();
  fd_ = connect_to(*address_);
  if (!fd_) return false;
  // It fits the buffer of any socket; one that is not connected at once is tried again.
  const ssize_t n = ::send(fd_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
  if (n == std::ssize(request_)) return true;
  fd_.close();
  return false;
}

bool CountReader::on_ready(TimePoint now) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n > 0 && reply_.size() < kMostBytes) {
      reply_.append(buffer.data(), static_cast<std::size_t>(n));
      continue;
    }
    fd_.close();
    next_ = std::max(next_, now);
    return n == 0 && parse_counts(reply_, counts_);
  }
}

}  // namespace leastwise::agent
