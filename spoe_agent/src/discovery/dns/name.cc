#include "discovery/dns/name.h"

#include <algorithm>
#include <utility>

namespace leastwise::discovery::dns {
namespace {

// A TTL of 0 would have us ask without a pause; one of a week would keep those who are gone.
constexpr Duration kShortest = std::chrono::seconds(1), kLongest = std::chrono::minutes(5);
constexpr std::size_t kMostHosts = 256;  // of SRV
constexpr std::uint32_t kMostWeight = 256;

std::uint32_t weight_of(std::uint32_t weight, std::uint32_t largest) {
  if (largest <= kMostWeight) return std::max(1U, weight);
  return std::max(1U, (weight * kMostWeight + largest / 2) / largest);
}

}  // namespace

Targets targets_of(const std::vector<Record>& srv, const Hosts& hosts) {
  Targets targets;
  if (srv.empty()) return targets;
  const std::uint16_t first = std::ranges::min(srv, {}, &Record::priority).priority;
  const auto [least, largest] = std::ranges::minmax(srv, {}, &Record::weight);
  for (const Record& r : srv) {
    const auto host = hosts.find(r.value);
    if (host == hosts.end()) continue;
    const Target target{
        .weight = least.weight == largest.weight ? 1 : weight_of(r.weight, largest.weight),
        .backup = r.priority != first};
    for (const std::string& ip : host->second) {
      const std::string address = address_of(ip, r.port);
      if (address.empty()) continue;
      const auto [found, is_new] = targets.try_emplace(address, target);
      if (!is_new && found->second.backup && !target.backup) found->second = target;
    }
  }
  return targets;
}

NameWatch::NameWatch(Name name)
    : name_(std::move(name)), resolver_(std::make_unique<Resolver>(name_.resolver)) {}

TimePoint NameWatch::poll(TimePoint now) {
  if (std::exchange(has_ended_, false)) {
    next_ = now + pause();
    if (!trouble().empty()) {
      resolver_ = std::make_unique<Resolver>(name_.resolver);  // by the resolv.conf of now
    }
    is_due_ = true;
  }
  if (is_due_ && now >= next_) begin();
  const TimePoint open_until = is_due_ || has_ended_ ? next_ : resolver_->process(now);
  return has_ended_ ? now : open_until;
}

Duration NameWatch::pause() {
  const Duration by_ttl = std::clamp(ttl_, kShortest, kLongest);
  if (trouble().empty()) backoff_.reset();
  if (!error_.empty()) return backoff_.next();
  return kept_.empty() ? by_ttl : std::min(by_ttl, backoff_.next());
}

void NameWatch::add_descriptors(std::vector<pollfd>& out) const { resolver_->add_descriptors(out); }

void NameWatch::on_ready(const pollfd& fd, TimePoint /*now*/) { resolver_->on_ready(fd); }

void NameWatch::begin() {
  is_due_ = false;
  hosts_.clear();
  kept_.clear();
  error_.clear();
  ttl_ = kLongest;
  open_ = 1;  // this
  if (name_.is_srv) {
    ++open_;
    resolver_->ask(name_.name, Type::kSrv, [this](Reply r) { on_srv(std::move(r)); });
  } else {
    services_ = {{.value = name_.name, .port = name_.port}};
    ask_host(name_.name);
  }
  end_of_one();
}

void NameWatch::on_srv(Reply reply) {
  if (reply.outcome != Outcome::kFound) {
    error_ = name_.name + ": SRV: " + reply.error;
  } else {
    ttl_ = std::min(ttl_, reply.ttl);
    services_ = std::move(reply.records);
    services_.resize(std::min(services_.size(), kMostHosts));
    std::vector<std::string> hosts;
    for (const Record& r : services_) hosts.push_back(r.value);
    std::ranges::sort(hosts);
    hosts.erase(std::ranges::unique(hosts).begin(), hosts.end());
    for (const std::string& host : hosts) ask_host(host);
  }
  end_of_one();
}

void NameWatch::ask_host(const std::string& host) {
  if (name_.family != Family::kIpv6) ask_address(host, Type::kA);
  if (name_.family == Family::kIpv6 || name_.family == Family::kBoth) {
    ask_address(host, Type::kAaaa);
  }
}

void NameWatch::ask_address(const std::string& host, Type type) {
  ++open_;
  resolver_->ask(host, type, [this, host, type](Reply r) { on_address(host, type, std::move(r)); });
}

// A host of several that can not be asked keeps the addresses that it had; the only one is what
// all of this is about.
void NameWatch::on_address(const std::string& host, Type type, Reply reply) {
  std::vector<std::string>& addresses = hosts_[host];
  switch (reply.outcome) {
    case Outcome::kFound:
      ttl_ = std::min(ttl_, reply.ttl);
      for (Record& r : reply.records) addresses.push_back(std::move(r.value));
      break;
    case Outcome::kNone:
      if (type == Type::kA && name_.family == Family::kAuto) ask_address(host, Type::kAaaa);
      break;
    case Outcome::kFailed:
      if (const auto before = known_.find(host); name_.is_srv && before != known_.end()) {
        addresses.insert(addresses.end(), before->second.begin(), before->second.end());
        kept_[host] = reply.error;
      } else {
        error_ = host + ": " + reply.error;
      }
      break;
  }
  end_of_one();
}

void NameWatch::end_of_one() {
  if (--open_ == 0) end();
}

// Of those that SRV records still name. Who can not be asked twice, for A and for AAAA, has his
// twice.
void NameWatch::keep_known() {
  for (auto& [host, addresses] : hosts_) {
    std::ranges::sort(addresses);
    addresses.erase(std::ranges::unique(addresses).begin(), addresses.end());
    const auto before = known_.find(host);
    if (!addresses.empty() || before == known_.end() || before->second.empty()) continue;
    addresses = before->second;
    kept_[host] = "the DNS knows no address of it";
  }
}

void NameWatch::end() {
  has_ended_ = true;
  if (error_.empty()) {
    if (name_.is_srv) keep_known();
    Targets targets = targets_of(services_, hosts_);
    if (targets.empty()) {
      error_ = name_.name + ": the DNS knows no address of it";
    } else {
      take(std::move(targets));
    }
  }
  if (!error_.empty()) report_trouble("dns", "DNS: " + error_);
}

void NameWatch::take(Targets targets) {
  for (const auto& [host, addresses] : hosts_) {
    if (!addresses.empty() || known_.contains(host)) continue;
    report(News::Kind::kWarning,
           "DNS: " + host + ": the DNS knows no address of it; it is left out");
  }
  known_ = hosts_;
  targets_ = std::move(targets);
  if (kept_.empty()) return report_success();
  std::string text = "DNS";
  for (const auto& [host, why] : kept_) {
    text += (host == kept_.begin()->first ? ": " : ", ") + host + ": " + why;
  }
  report_trouble("dns", std::move(text), "the servers that it had stay");
}

}  // namespace leastwise::discovery::dns
