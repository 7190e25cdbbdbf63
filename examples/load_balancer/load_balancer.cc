#include "load_balancer.h"

#include <chrono>
#include <new>
#include <numeric>
#include <random>
#include <stdexcept>

#include "http_get.h"

namespace {

constexpr std::align_val_t kLine{64};  // what the pool's memory is aligned to

std::byte* allocate(std::size_t size) {
  return static_cast<std::byte*>(::operator new[](size, kLine));
}

leastwise::TimePoint now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return leastwise::TimePoint(std::chrono::duration_cast<leastwise::Duration>(time));
}

void check(const leastwise::Status& status) {
  if (!status.ok()) throw std::invalid_argument(status.message());
}

}  // namespace

void LoadBalancer::Free::operator()(std::byte* memory) const noexcept {
  ::operator delete[](memory, kLine);
}

LoadBalancer::LoadBalancer(std::vector<std::string> servers, std::string_view policy)
    : servers_(std::move(servers)) {
  using namespace leastwise;
  if (servers_.empty()) throw std::invalid_argument("a LoadBalancer needs a server");
  use(policy);
  const std::size_t n = servers_.size();
  const std::size_t shared = Pool::bytes_for(n), own = Picker::bytes_for(n);
  shared_.reset(allocate(shared));
  check(Pool::create({shared_.get(), shared}, n, pool_));

  std::vector<Member> members;
  for (const std::string& server : servers_) {
    const EndpointId id = pool_.add(server);
    if (id == kNoEndpoint) throw std::invalid_argument("not the name of a server: " + server);
    members.push_back({.id = id});
  }
  // Only this process has the pool, so nobody's life has to be looked at.
  const ProcessSlot slot = pool_.join({.pid = 1}, [](Incarnation) { return true; });
  own_.reset(allocate(own));
  check(Picker::create(pool_, slot, members, {own_.get(), own}, std::random_device{}(), picker_));
}

void LoadBalancer::use(std::string_view policy) {
  const std::scoped_lock guard(lock_);
  check(set(config_, *leastwise::find_directive("policy"), policy));
}

leastwise::Ticket LoadBalancer::get_server(leastwise::Tried& tried) {
  const std::scoped_lock guard(lock_);
  const leastwise::TimePoint at = now();
  pool_.tick(config_, at);  // learns from the answers, ten times a second
  return picker_.pick(config_, {}, tried, at);
}

void LoadBalancer::tell(const leastwise::Ticket& ticket, const leastwise::Outcome& outcome) {
  const std::scoped_lock guard(lock_);
  picker_.finish(config_, ticket, outcome, now());
}

Response LoadBalancer::request(const std::string& path) {
  Response response;
  for (leastwise::Tried tried;;) {
    const leastwise::Ticket ticket = get_server(tried);
    if (!ticket) return response;
    Got got = http_get("http://" + name(ticket) + path);
    tell(ticket, got.outcome);
    response = {name(ticket), got.status, std::move(got.body)};
    if (got.outcome.result != leastwise::Result::kRefused) return response;
  }
}

std::vector<double> LoadBalancer::weights() {
  const std::scoped_lock guard(lock_);
  leastwise::Config config = config_;
  config.demand = leastwise::Demand::kSpeed;
  std::vector<double> demands;
  for (const leastwise::Member& member : picker_.members()) {
    demands.push_back(pool_.view(member.id, config, now()).demand);
  }
  const double sum = std::accumulate(demands.begin(), demands.end(), 0.0);
  for (double& demand : demands) demand /= sum;
  return demands;
}
