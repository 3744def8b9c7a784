import { ApolloClient, ApolloProvider, InMemoryCache } from '@apollo/client'
import styled from '@emotion/styled'
import { Button, ThemeProvider, createTheme } from '@mui/material'
import { DataGrid } from '@mui/x-data-grid'
import { createRoot } from 'react-dom/client'

const Box = styled.div`height: 10rem;`
const client = new ApolloClient({ uri: '/graphql', cache: new InMemoryCache() })

createRoot(document.getElementById('root')).render(
  <ApolloProvider client={client}>
    <ThemeProvider theme={createTheme()}>
      <Box><DataGrid rows={[{ id: 1 }]} columns={[{ field: 'id' }]} /></Box>
      <Button>go</Button>
    </ThemeProvider>
  </ApolloProvider>,
)
