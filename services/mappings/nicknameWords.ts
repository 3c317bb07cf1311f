/**
 * The words of nicknames. Frozen: a word that is changed, moved or added gives managers other
 * nicknames than those that are stored everywhere. None says anything about a person.
 */

/** The first word: 128 of them. */
export const ADJECTIVES = words(`
  agile alert alpine amber ample arctic ardent autumn azure balmy bold boreal brave breezy
  bright brisk bronze calm candid cheery civil classic clear clever coastal comfy cool coral
  cosmic cosy crisp crystal curious dapper daring deft eager early earnest easy emerald epic
  even fair famous fine fluent fond frank fresh genial gentle glad gleaming golden grand happy
  hearty honest humble ideal indigo ivory jade jolly jovial keen kind lively loyal lucid lucky
  lunar marine mellow merry mighty mild mindful misty modest neat nimble noble novel open
  orderly patient peaceful placid pleasant polar polite proud quick quiet rapid ready robust
  rosy royal rustic sage scenic serene silver sincere solar solid sonic spry stable starry
  steady stellar sunny swift tidal tidy trusty upbeat valiant velvet vivid warm wise witty zesty
`);

/** The second word: 128 of them. */
export const ANIMALS = words(`
  albatross alpaca antelope auk avocet badger barbet beaver bee bison bittern bobolink bonito
  bream bunting camel caracal cardinal caribou chaffinch chamois cheetah chickadee chipmunk
  cicada condor coot corgi cormorant crane cricket curlew damselfly dipper dolphin dormouse dove
  dragonfly dunlin eagle egret eider elk ermine falcon finch firefly flamingo fulmar gannet
  gazelle gecko goldfinch goshawk grebe grouse guppy hare harrier hawk hedgehog heron hoopoe
  hornbill ibex ibis impala jackdaw jaguar jay kestrel kingfisher kite kittiwake koala kudu
  ladybird lapwing lark lemur leopard linnet lion llama lynx macaw magpie mallard marlin marmot
  marten martin merlin minnow moose moth narwhal newt nightjar numbat ocelot okapi oriole oryx
  osprey otter owl oyster panda panther parrot partridge pelican penguin perch petrel pheasant
  pika pintail pipit plover puffin puma quail quetzal raven redstart robin
`);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
