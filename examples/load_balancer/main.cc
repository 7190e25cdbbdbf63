// load_balancer REQUESTS SERVER... : asks the servers for / by least response time, then as many
// times by what the adaptive policy learns, eight at once, and says who answered.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "load_balancer.h"

namespace {

constexpr int kAtOnce = 8;

void send(LoadBalancer& balancer, int requests, std::string_view policy) {
  std::mutex lock;
  std::map<std::string, int> answers;
  int failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kAtOnce; ++t) {
      threads.emplace_back([&, mine = requests / kAtOnce + (t < requests % kAtOnce ? 1 : 0)] {
        for (int i = 0; i < mine; ++i) {
          const Response response = balancer.request("/");
          const std::scoped_lock guard(lock);
          if (response.status == 200) {
            ++answers[response.server];
          } else {
            ++failed;
          }
        }
      });
    }
  }
  std::cout << policy << ":";
  for (const auto& [server, n] : answers) std::cout << "  " << server << " " << n;
  std::cout << "  failed " << failed << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || std::atoi(argv[1]) < 1) {
    std::cerr << "usage: load_balancer REQUESTS HOST:PORT...\n";
    return 2;
  }
  try {
    LoadBalancer balancer(std::vector<std::string>(argv + 2, argv + argc));
    send(balancer, std::atoi(argv[1]), "least_time");
    balancer.use("adaptive");
    send(balancer, std::atoi(argv[1]), "adaptive");
    std::cout << "w_i = d_i / sum of d:";
    for (const double weight : balancer.weights()) std::cout << "  " << weight;
    std::cout << "\n";
  } catch (const std::exception& e) {
    std::cerr << "load_balancer: " << e.what() << "\n";
    return 1;
  }
}
