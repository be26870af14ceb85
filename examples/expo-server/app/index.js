import { Text } from 'react-native'

export default function Page() {
  return <Text>Hello from Expo's server</Text>
}
