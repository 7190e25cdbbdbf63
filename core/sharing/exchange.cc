#include "sharing/exchange.h"

#include <algorithm>

namespace leastwise::sharing {
namespace {

constexpr float kSmooth = 0.1F;  // of what is in flight, each kPeriod: an average of a second

}  // namespace

std::string Exchange::tell(std::vector<ServerReport> now) {
  if (now.size() > kMostServers) now.resize(kMostServers);
  for (std::size_t i = 0; i < now.size(); ++i) {
    ServerReport& server = now[i];
    const auto old = i < told_.size() && told_[i].server == server.server
                         ? told_.begin() + static_cast<std::ptrdiff_t>(i)
                         : std::ranges::find(told_, server.server, &ServerReport::server);
    if (old == told_.end()) continue;
    server.requests = old->requests + kSmooth * (server.requests - old->requests);
    server.work = old->work + kSmooth * (server.work - old->work);
  }
  told_ = std::move(now);
  return encode({.life = life_, .number = ++number_, .servers = told_});
}

bool Exchange::hear(std::string_view teller, std::string_view bytes, TimePoint now) {
  const auto report = decode(bytes);
  if (report) others_.take(teller, *report, now);
  return report.has_value();
}

std::uint32_t Exchange::others(TimePoint now, std::vector<ServerReport>& out) {
  float own = 0;
  for (const ServerReport& server : told_) own += server.requests;
  out = told_;
  return others_.sum(out, own, now);
}

}  // namespace leastwise::sharing
