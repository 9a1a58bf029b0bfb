#include "src/node/calls.h"

#include <utility>

#include "src/client/request.h"
#include "src/client/text.h"
#include "src/node/json.h"
#include "src/node/metrics.h"

namespace node {

namespace {

// That it comes says all: the loop turns.
void livez(const http::Request&, http::Reply reply) { reply(http::text(200, "alive\n")); }

http::Response readyz(const Vitals& vitals) {
  const std::string why = why_not_ready(vitals);
  return why.empty() ? http::text(200, "ready\n") : http::error(503, "unavailable", why);
}

http::Response metrics(const Vitals& vitals) { return {200, metrics_type, metrics_text(vitals)}; }

http::Response json(const std::string& text) { return {200, "application/json", text}; }

http::Response user(const std::string& name, const Sources& sources) {
  if (!peer::valid_user_name(name)) return http::error(400, "bad_name", "that is no name of a user");
  const std::vector<Sighting> sightings = sources.sightings(name);
  const Json answer(cJSON_CreateObject());
  cJSON_AddStringToObject(answer.get(), "name", name.c_str());
  cJSON_AddBoolToObject(answer.get(), "online", sightings.empty() ? 0 : 1);
  cJSON* const sessions = cJSON_AddArrayToObject(answer.get(), "sessions");
  for (const Sighting& sighting : sightings) {
    cJSON* const session = cJSON_CreateObject();
    cJSON_AddItemToArray(sessions, session);
    cJSON_AddStringToObject(session, "node", sighting.node.c_str());
    cJSON_AddNumberToObject(session, "since", static_cast<double>(sighting.since_ms));
  }
  const JsonText text(cJSON_PrintUnformatted(answer.get()));
  return json(std::string(text.get()) + "\n");
}

// Nodes that did not answer.
void add_partial(cJSON* answer, const std::vector<std::string>& silent) {
  cJSON* const partial = cJSON_AddArrayToObject(answer, "partial");
  for (const std::string& node : silent) cJSON_AddItemToArray(partial, cJSON_CreateString(node.c_str()));
}

http::Response busy() { return http::error(503, "busy", "too much is asked of the other nodes; try again"); }

// Who may be on a node that did not answer may still be there.
http::Response kicked(const Bouncer::Ended& ended) {
  if (ended.sessions == 0 && ended.silent.empty())
    return http::error(404, "no_such_user", "nobody of that name is online");
  if (ended.sessions == 0) {
    std::string why = "nobody of that name was found, but no answer came from";
    for (const std::string& node : ended.silent) why += " " + node;
    return http::error(503, "unavailable", why);
  }
  const Json answer(cJSON_CreateObject());
  cJSON_AddNumberToObject(answer.get(), "kicked", static_cast<double>(ended.sessions));
  if (!ended.silent.empty()) add_partial(answer.get(), ended.silent);
  const JsonText text(cJSON_PrintUnformatted(answer.get()));
  return json(std::string(text.get()) + "\n");
}

void kick(const std::string& name, const Sources& sources, http::Reply reply) {
  if (!peer::valid_user_name(name)) return reply(http::error(400, "bad_name", "that is no name of a user"));
  const auto done = [reply](const Bouncer::Ended& ended) { reply(kicked(ended)); };
  if (!sources.kick(name, done)) reply(busy());
}

http::Response told(const std::string& id, const Tracer::Story& story) {
  if (story.steps.empty() && story.silent.empty())
    return http::error(404, "not_found", "no node remembers a chat of that id");
  if (story.steps.empty()) {
    std::string why = "nothing was found, but no answer came from";
    for (const std::string& node : story.silent) why += " " + node;
    return http::error(503, "unavailable", why);
  }
  const Json answer(cJSON_CreateObject());
  cJSON_AddStringToObject(answer.get(), "id", id.c_str());
  cJSON* const steps = cJSON_AddArrayToObject(answer.get(), "steps");
  for (const Tracer::Step& step : story.steps) {
    using What = chat::Trail::What;
    cJSON* const object = cJSON_CreateObject();
    cJSON_AddItemToArray(steps, object);
    cJSON_AddNumberToObject(object, "at", static_cast<double>(step.at_ms));
    cJSON_AddStringToObject(object, "node", step.node.c_str());
    cJSON_AddStringToObject(object, "what", std::string(word(step.what)).c_str());
    const char* const place = step.what == What::forwarded ? "to" : step.what == What::arrived ? "from" : "by";
    if (!step.place.empty()) cJSON_AddStringToObject(object, place, step.place.c_str());
    if (step.what == What::settled) cJSON_AddStringToObject(object, "outcome", std::string(word(step.outcome)).c_str());
  }
  if (!story.silent.empty()) add_partial(answer.get(), story.silent);
  const JsonText text(cJSON_PrintUnformatted(answer.get()));
  return json(std::string(text.get()) + "\n");
}

void trace(const std::string& id, const Sources& sources, http::Reply reply) {
  if (id.size() > client::id_bytes_max || !client::is_plain_utf8(id))
    return reply(http::error(400, "bad_request", "that is no id of a chat"));
  const auto done = [reply, id](const Tracer::Story& story) { reply(told(id, story)); };
  if (!sources.trace(id, done)) reply(busy());
}

http::Response drain_state(const Vitals& vitals) {
  const Json answer(cJSON_CreateObject());
  cJSON_AddBoolToObject(answer.get(), "draining", vitals.stage == Vitals::Stage::draining ? 1 : 0);
  cJSON_AddNumberToObject(answer.get(), "sessions", static_cast<double>(vitals.users));
  const JsonText text(cJSON_PrintUnformatted(answer.get()));
  return json(std::string(text.get()) + "\n");
}

http::Response drain(const Sources& sources) {
  sources.drain();
  return drain_state(sources.vitals());
}

http::Response take_back_drain(const Sources& sources) {
  if (!sources.take_back_drain()) return http::error(409, "shutting_down", "this node is about to stop");
  return drain_state(sources.vitals());
}

}  // namespace

http::Site site(const Config& config, const Sources& sources) {
  using http::Guard;
  using http::Reply;
  using http::Request;
  return {{{"GET", "/livez", Guard::open, livez},
           {"GET", "/readyz", Guard::open, [=](const auto&, Reply reply) { reply(readyz(sources.vitals())); }},
           {"GET", "/metrics", Guard::open, [=](const auto&, Reply reply) { reply(metrics(sources.vitals())); }},
           {"GET", "/v1/cluster", Guard::guarded,
            [=](const auto&, Reply reply) { reply(json(to_json(sources.cluster()))); }},
           {"GET", "/v1/users/{name}", Guard::guarded,
            [=](const Request& request, Reply reply) { reply(user(request.params[0], sources)); }},
           {"DELETE", "/v1/sessions/{name}", Guard::guarded,
            [=](const Request& request, Reply reply) { kick(request.params[0], sources, reply); }},
           {"GET", "/v1/chats/{id}", Guard::guarded,
            [=](const Request& request, Reply reply) { trace(request.params[0], sources, reply); }},
           {"POST", "/v1/drain", Guard::guarded, [=](const auto&, Reply reply) { reply(drain(sources)); }},
           {"DELETE", "/v1/drain", Guard::guarded, [=](const auto&, Reply reply) { reply(take_back_drain(sources)); }}},
          http::Access(config.http_tokens, config.http_origins)};
}

}  // namespace node
