#include "discovery/kubernetes/service.h"

#include <algorithm>
#include <utility>

namespace leastwise::discovery::kubernetes {
namespace {

constexpr Duration kListTimeout = std::chrono::seconds(30);
// The API server ends a watch by itself after that; each one after another time.
constexpr Duration kWatchTime = std::chrono::seconds(300);
// Without a word for longer than that the connection is dead: TCP may take 15 minutes to say so.
// A bookmark comes each minute.
constexpr Duration kSilence = std::chrono::seconds(130);
constexpr Duration kLongWatch = std::chrono::seconds(5);  // did not end at once
constexpr std::size_t kMostLine = std::size_t{8} << 20;   // etcd keeps 1.5 MB of an object

// Why there is no answer of use; else the status of HTTP says it.
constexpr std::string_view kTokenFile = "token_file", kNotUnderstood = "not_understood";

constexpr int kBadRequest = 400, kUnauthorized = 401, kForbidden = 403, kNotFound = 404,
              kGone = 410, kTooMany = 429;

}  // namespace

ServiceWatch::ServiceWatch(ServiceName service, Access access, std::string zone,
                           net::Transfers& transfers)
    : service_(std::move(service)),
      access_(std::move(access)),
      zone_(std::move(zone)),
      transfers_(transfers) {
  if (service_.namespace_.empty()) service_.namespace_ = access_.namespace_;
}

ServiceWatch::~ServiceWatch() { transfers_.cancel(running_); }

TimePoint ServiceWatch::poll(TimePoint now) {
  if (running_ != 0) return TimePoint::max();
  if (std::exchange(has_ended_, false)) {
    if (now - since_ > kLongWatch) backoff_.reset();
    pause_ = backoff_.next();
  }
  if (pause_ > Duration::zero()) next_ = now + std::exchange(pause_, Duration::zero());
  if (now < next_) return next_;
  since_ = now;
  version_.empty() ? list() : watch();
  return running_ != 0 ? TimePoint::max() : now + pause_;
}

net::Request ServiceWatch::request(const std::string& query, std::string& error) const {
  net::Request request{.url = access_.server + "/apis/discovery.k8s.io/v1/namespaces/" +
                              service_.namespace_ +
                              "/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D" +
                              service_.name + query,
                       .headers = {"Accept: application/json"},
                       .tls = access_.tls};
  const std::string token = token_of(access_, error);
  if (!token.empty()) request.headers.push_back("Authorization: Bearer " + token);
  return request;
}

void ServiceWatch::list() {
  std::string error;
  net::Request r = request("", error);
  if (!error.empty()) return fail({.error = error}, kTokenFile);
  r.timeout = kListTimeout;
  running_ = transfers_.start(std::move(r), [this](const net::Answer& a) { on_list(a); });
}

void ServiceWatch::on_list(const net::Answer& answer) {
  running_ = 0;
  if (answer.status != 200 || !answer.error.empty()) return fail(answer);
  std::string error;
  if (!slices_.read_list(answer.body, version_, error)) {
    version_.clear();
    return fail({.error = error}, kNotUnderstood);
  }
  report_success();
  if (slices_.size() == 0) {
    report(News::Kind::kWarning, "there is no EndpointSlice of Service " + service_.name +
                                     " in namespace " + service_.namespace_ +
                                     ": no such Service, or it selects nothing");
  }
  publish();
}

void ServiceWatch::watch() {
  std::string error;
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(backoff_.spread(kWatchTime)).count();
  net::Request r = request("&watch=1&allowWatchBookmarks=true&resourceVersion=" + version_ +
                               "&timeoutSeconds=" + std::to_string(seconds),
                           error);
  if (!error.empty()) return fail({.error = error}, kTokenFile);
  r.silence = kSilence;
  line_.clear();
  flaw_.clear();
  running_ = transfers_.start(
      std::move(r), [this](const net::Answer& a) { on_watch_end(a); },
      [this](std::string_view piece) { return on_piece(piece); });
}

// Events are taken over once the piece is read: those that came together are one change.
bool ServiceWatch::on_piece(std::string_view piece) {
  bool is_whole = false;
  if (piece.empty()) report_success();  // the head
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    line_ += piece.substr(0, end);
    if (line_.size() > kMostLine) {
      version_.clear();
      flaw_ = "a line of the watch is too long";
      return false;
    }
    if (end == piece.npos) break;
    piece.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    if (!line.empty() && !on_line(line)) {
      if (is_whole) publish();
      return false;
    }
    is_whole = true;
  }
  if (is_whole) publish();
  return true;
}

bool ServiceWatch::on_line(std::string_view line) {
  using Kind = Slices::Event::Kind;
  const Slices::Event event = slices_.read_event(line);
  switch (event.kind) {
    case Kind::kChange:
    case Kind::kBookmark:
      backoff_.reset();
      note_answer();
      version_ = event.version;
      return true;
    case Kind::kError:
      version_.clear();
      flaw_ = event.code == kGone ? "410" : "the watch was ended: " + event.message;
      return false;
    case Kind::kGarbage:
      break;
  }
  version_.clear();
  flaw_ = event.message;
  return false;
}

// An end is no failure: every watch has one. It costs a pause, which grows if they end at once.
void ServiceWatch::on_watch_end(const net::Answer& answer) {
  running_ = 0;
  if (flaw_ == "410" || answer.status == kGone) {  // too old to go on from: all of it anew
    version_.clear();
    note_failure("410");
    pause_ = backoff_.next();
    return;
  }
  if (!flaw_.empty()) return fail({.error = flaw_}, kNotUnderstood);
  if (answer.status == 200 && answer.error.empty()) {
    has_ended_ = true;
    return;
  }
  // The server may have been set back: what it has now is what counts.
  if (answer.status != 200) version_.clear();
  fail(answer);
}

void ServiceWatch::fail(const net::Answer& answer, std::string_view reason) {
  pause_ = backoff_.next();
  if (answer.retry_after) pause_ = std::max(pause_, *answer.retry_after);
  const bool has_code = answer.status != 0 && answer.status != 200;
  const std::string code = has_code ? std::to_string(answer.status) : "unreachable";
  report_trouble(reason.empty() ? code : reason, reason_of(answer));
}

std::string ServiceWatch::reason_of(const net::Answer& answer) const {
  const std::string who = access_.server + ": ";
  if (answer.status == 0 || answer.status == 200) return who + answer.error;
  const std::string code = std::to_string(answer.status);
  switch (answer.status) {
    case kUnauthorized:
      return who + "401, the token is not accepted" +
             (access_.token_file.empty() ? "" : " (" + access_.token_file + ")");
    case kForbidden:
      return who + "403, endpointslices of namespace " + service_.namespace_ +
             " may not be read: leastwise-companion --rbac prints the Role for it";
    case kNotFound:
      return who + "404, no discovery.k8s.io/v1: Kubernetes 1.21 or later is needed";
    case kTooMany:
      return who + "429, too many requests; asked again later";
    case kBadRequest:
      return who + "400: " + answer.body.substr(0, 300);
    default:
      return who + code;
  }
}

// What the choice of port does not find is no reason to take anybody out.
void ServiceWatch::publish() {
  std::string trouble;
  Targets targets = slices_.targets(service_.port, service_.family, zone_, trouble);
  if (!trouble.empty()) return report_trouble("port", "Service " + service_.name + ": " + trouble);
  if (targets.empty() && !(targets_ && targets_->empty())) {
    report(News::Kind::kWarning, "Service " + service_.name + " has no server that is ready");
  }
  targets_ = std::move(targets);
}

std::string role_for(const std::string& in_namespace, const std::string& account,
                     const std::string& account_namespace) {
  return "apiVersion: rbac.authorization.k8s.io/v1\n"
         "kind: Role\n"
         "metadata:\n"
         "  name: leastwise-companion\n"
         "  namespace: " +
         in_namespace +
         "\n"
         "rules:\n"
         "- apiGroups: [\"discovery.k8s.io\"]\n"
         "  resources: [\"endpointslices\"]\n"
         "  verbs: [\"list\", \"watch\"]\n"
         "---\n"
         "apiVersion: rbac.authorization.k8s.io/v1\n"
         "kind: RoleBinding\n"
         "metadata:\n"
         "  name: leastwise-companion\n"
         "  namespace: " +
         in_namespace +
         "\n"
         "roleRef:\n"
         "  apiGroup: rbac.authorization.k8s.io\n"
         "  kind: Role\n"
         "  name: leastwise-companion\n"
         "subjects:\n"
         "- kind: ServiceAccount\n"
         "  name: " +
         account +
         "\n"
         "  namespace: " +
         account_namespace + "\n";
}

}  // namespace leastwise::discovery::kubernetes
